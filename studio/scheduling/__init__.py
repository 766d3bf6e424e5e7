"""Work that outlives the tab that asked for it: rows before it begins, worker threads, progress, Stop."""

"""Jobs that outlive a closed tab: rows written first, worker threads, progress, Stop."""

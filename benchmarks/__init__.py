"""Side-by-side measurements; each module's `main()` prints a table and says what machine it ran on."""

"""Terminal verbs for programs and by programs: keys, recipes made again, folders watched, completion by the shell."""

"""Our own HTTP routes: who is asking, what came in, and what is answered."""

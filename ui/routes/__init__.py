"""Our own HTTP routes: authentication, request bodies and answers."""

"""What a Diorama that others may use needs beside the rest: the secret behind links, and the host's side."""

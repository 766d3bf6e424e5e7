"""What a shared Diorama needs: the key that signs links, and the admin's side."""

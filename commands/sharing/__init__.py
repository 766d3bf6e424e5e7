"""What it takes to let others in: who may sign in, the link to pass on, and a Hugging Face Space."""

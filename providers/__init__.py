"""Cloud models of OpenAI, Google and Hugging Face, paid with the user's own key."""

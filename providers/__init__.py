"""Models in the cloud: OpenAI, Google and Hugging Face, with the person's own key."""

"""OpenAI's API for images. Source: https://platform.openai.com/docs/api-reference/images, openai-python 3.52."""

"""What the app does: contract, jobs, store, service. Knows nothing of gradio, torch or any cloud SDK."""

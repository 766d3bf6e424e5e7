"""From a file of unknown content to a plain picture and what it says about how it was made, or a sentence why not."""

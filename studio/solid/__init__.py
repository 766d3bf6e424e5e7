"""From an object to views of it, to a splat, and to the splat's place over its picture."""

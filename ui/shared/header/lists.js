// Gradio's lists hear a key, wait, and then open again, although the focus has gone to the next control meanwhile and
// nothing will ever close them. What only leads away from a list, or does nothing alone, is none of their business.
const NO_CHOICE = ["Tab", "Shift", "Control", "Alt", "Meta"];

addEventListener("keydown", (event) => {
  if (event.target.matches?.('input[role="combobox"]') && NO_CHOICE.includes(event.key)) event.stopPropagation();
}, { capture: true });

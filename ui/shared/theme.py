"""The theme: gradio's variables set to our palette, and the style sheets of the page."""

from __future__ import annotations

from pathlib import Path

import gradio as gr

_UI = Path(__file__).parents[1]
_STYLE = ("palette", "page", "controls", "toast", "strip")
_SHARED = ("header", "preflight", "clouds", "stage", "viewer", "picker", "dropping", "stardust")
_TABS = (
    *("generate/palette/palette", "generate/presets/presets", "generate/compare/compare", "generate/follow/follow"),
    *("iterate/iterate", "segment/segment", "solid/splat", "gallery/gallery", "models/models"),
)
_SHEETS = (
    *(f"shared/style/{name}.css" for name in _STYLE),
    *(f"shared/{name}/{name}.css" for name in _SHARED),
    *(f"{name}.css" for name in _TABS),
)
_SANS = ("ui-sans-serif", "system-ui", "-apple-system", "Segoe UI", "Roboto", "sans-serif")
_MONO = ("ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "monospace")


def theme() -> gr.themes.Base:
    """Gradio's own widgets in our palette. The CSS variables of `style/palette.css` handle dark mode."""
    flat = {f"{name}{mode}": value for name, value in _FLAT.items() for mode in ("", "_dark")}
    base = gr.themes.Base(font=_SANS, font_mono=_MONO, radius_size="md", spacing_size="md", text_size="md")
    return base.set(**flat, **_SIZES)


def head() -> str:
    """The style sheets, for the page's head, where they reach dialogs too and are in place at first paint."""
    sheets = "\n".join((_UI / name).read_text(encoding="utf-8") for name in _SHEETS)
    return f'<style>\n{sheets}\n</style>\n<meta name="color-scheme" content="light dark">'


# The same for light and dark, as the variables themselves change with `.dark`.
_FLAT = {
    "body_background_fill": "var(--d-ground)",
    "body_text_color": "var(--d-ink)",
    "body_text_color_subdued": "var(--d-quiet)",
    "background_fill_primary": "var(--d-panel)",
    "background_fill_secondary": "var(--d-ground)",
    "border_color_primary": "var(--d-line)",
    "border_color_accent": "var(--d-accent)",
    "border_color_accent_subdued": "var(--d-line)",
    "color_accent_soft": "var(--d-soft)",
    "link_text_color": "var(--d-accent-text)",
    "link_text_color_hover": "var(--d-accent-text)",
    "link_text_color_active": "var(--d-accent-text)",
    "link_text_color_visited": "var(--d-accent-text)",
    "block_background_fill": "transparent",
    "block_border_width": "0px",
    "block_border_color": "transparent",
    "block_shadow": "none",
    "block_title_background_fill": "transparent",
    "block_title_border_width": "0px",
    "block_title_text_color": "var(--d-ink)",
    "block_label_background_fill": "transparent",
    "block_label_text_color": "var(--d-ink)",
    "block_info_text_color": "var(--d-quiet)",
    "panel_background_fill": "transparent",
    "panel_border_width": "0px",
    "accordion_text_color": "var(--d-ink)",
    "input_background_fill": "var(--d-field)",
    "input_background_fill_focus": "var(--d-field)",
    "input_background_fill_hover": "var(--d-field)",
    "input_border_color": "var(--d-edge)",
    "input_border_color_focus": "var(--d-accent)",
    "input_border_color_hover": "var(--d-edge)",
    "input_border_width": "1px",
    "input_placeholder_color": "var(--d-quiet)",
    "input_shadow": "none",
    "input_shadow_focus": "none",
    "slider_color": "var(--d-accent)",
    "loader_color": "var(--d-accent)",
    "checkbox_label_background_fill": "var(--d-field)",
    "checkbox_label_background_fill_hover": "var(--d-soft)",
    "checkbox_label_background_fill_selected": "var(--d-soft)",
    "checkbox_label_border_color": "var(--d-edge)",
    "checkbox_label_border_color_hover": "var(--d-edge)",
    "checkbox_label_border_color_selected": "var(--d-accent)",
    "checkbox_label_border_width": "1px",
    "checkbox_label_text_color": "var(--d-ink)",
    "checkbox_label_text_color_selected": "var(--d-ink)",
    "checkbox_label_shadow": "none",
    "checkbox_background_color_selected": "var(--d-accent)",
    "checkbox_border_color_selected": "var(--d-accent)",
    "button_border_width": "1px",
    "button_primary_background_fill": "var(--d-button)",
    "button_primary_background_fill_hover": "var(--d-button-hover)",
    "button_primary_border_color": "transparent",
    "button_primary_border_color_hover": "transparent",
    "button_primary_text_color": "var(--d-on-button)",
    "button_primary_text_color_hover": "var(--d-on-button)",
    "button_secondary_background_fill": "var(--d-field)",
    "button_secondary_background_fill_hover": "var(--d-soft)",
    "button_secondary_border_color": "var(--d-edge)",
    "button_secondary_border_color_hover": "var(--d-edge)",
    "button_secondary_text_color": "var(--d-ink)",
    "button_secondary_text_color_hover": "var(--d-ink)",
    "error_background_fill": "var(--d-panel)",
    "error_border_color": "var(--d-trouble)",
    "error_text_color": "var(--d-trouble)",
    "error_icon_color": "var(--d-trouble)",
}
# Two text sizes: 15 px for text, 13 px for labels.
_SIZES = {
    "body_text_size": "15px",
    "prose_text_size": "15px",
    "input_text_size": "15px",
    "block_title_text_size": "13px",
    "block_title_text_weight": "600",
    "block_label_text_size": "13px",
    "block_info_text_size": "13px",
    "checkbox_label_text_size": "13px",
    "button_large_text_size": "15px",
    "button_large_text_weight": "600",
    "button_medium_text_size": "15px",
    "button_small_text_size": "13px",
    "button_small_text_weight": "400",
    "block_padding": "0px",
    "block_radius": "0px",
    "container_radius": "0px",
    "input_radius": "8px",
    "button_large_radius": "8px",
    "button_medium_radius": "8px",
    "button_small_radius": "8px",
    "layout_gap": "16px",
    "form_gap_width": "0px",
}

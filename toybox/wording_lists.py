"""The words and templates of `toybox/wordings.py`; the held-out ones are the benchmark's."""

from toybox.words import Colour, Kind

MORE_KIND_NAMES: dict[Kind, tuple[str, ...]] = {
    "ball": ("orb", "globe", "marble"),
    "cube": ("dice", "brick"),
    "cylinder": ("tin", "pillar", "tube"),
    "donut": ("bagel",),
    "tree": ("pine", "christmas tree"),
    "house": ("cottage", "cabin", "home"),
    "rocket": ("space rocket", "missile"),
}
MORE_COLOUR_NAMES: dict[Colour, tuple[str, ...]] = {
    "red": ("scarlet", "ruby"),
    "green": ("emerald",),
    "blue": ("navy", "azure"),
    "yellow": ("golden", "lemon"),
    "purple": ("lilac",),
    "pink": ("rose",),
    "white": ("ivory",),
    "black": ("jet",),
    "brown": ("chocolate",),
}
_SMALL_WORDS = """
and are at be been being by can could do does for from has have her here his i in is its just like me my no not of
off or our out over own please really so some something somewhere such than that their then there these they this
those to too under up us very want was we well were which while who will with would you your also again maybe render
rendering rendered photo photograph picture image drawing painting sketch illustration scene shot view item shape
thing middle center centre front behind sits sitting stands standing rests resting lies lying appears placed set put
shown seen see looks look give show draw paint make create generate imagine need wants lets let kind sort piece
coloured colored colour color painted made backdrop background wall floor ground surface room setting surroundings
everything around all whole one two first second other another each both together side near nearby tiny huge giant
"""
SMALL_WORDS = tuple(_SMALL_WORDS.split())
"""Words of requests that say nothing about the picture."""
_UNHEARD_WORDS = """
nice cute lovely pretty beautiful shiny glossy matte wooden plastic metal glass rubber ceramic clay old new modern
simple plain single lonely round soft hard smooth clean bright dark light pale deep vivid warm cold sunny tall short
fat thin wide friendly funny happy sad realistic detailed high low quality resolution best good great perfect
closeup close studio lighting lit style art artwork digital masterpiece cinematic cartoon minimal minimalist product
toy toys model figure solid isolated centered centred floats floating tinted table sky facing camera day morning
night evening summer winter spring world garden field city street park beach sea lake forest mountain child kid kids
children girl boy man woman dog cat bird birds flower flowers grass cloud clouds sun moon star stars water fire snow
rain wind dream magic quite rather more most much many few any every
"""
UNHEARD_WORDS = tuple(_UNHEARD_WORDS.split())
"""Words that people use but the toy world cannot show: each has its own token and changes nothing."""

ADJECTIVES = ("shiny", "nice", "cute", "lovely", "wooden", "plastic", "glossy", "simple", "old", "new", "toy", "lone")
MATERIALS = ("wood", "plastic", "clay", "glass", "rubber", "metal")
THINGS = (
    "{a} {size} {colour} {kind}",
    "{a} {colour} {size} {kind}",
    "{a} {size} {colour} coloured {kind}",
    "{a} {size} {kind}, {colour}",
    "{a} {size} {kind} in {colour}",
    "{a} {size} {kind} that is {colour}",
    "{a} {size} {kind} painted {colour}",
    "{a} {size} {kind} ({colour})",
    "{a} {size} {kind} of {colour} {material}",
    "{colour} {size} {kind}",
    "{size} {colour} {kind}",
    "{kind} {colour} {size}",
    "one {size} {colour} {kind}",
    "the {size} {colour} {kind}",
    "some {adjective} {size} {colour} {kind}",
    "{a} {adjective} {size} {colour} {kind}",
    "{a} {size} {adjective} {colour} {kind}",
    "{a} {size} {colour} {adjective} {kind}",
)
PLAIN_THINGS = THINGS[:2] + THINGS[9:11] + THINGS[12:18]
PAIRS = (
    "{left} and {right}",
    "{left}, {right}",
    "{left} with {right}",
    "{left} plus {right}",
    "{left} & {right}",
    "{left} beside {right}",
    "{left} near {right}",
    "{left} together with {right}",
    "{left} stands next to {right}",
    "on the left {left}, on the right {right}",
    "left: {left}, right: {right}",
    "on the right {right}, on the left {left}",
    "{left} on the left, {right} on the right",
    "{right} on the right side of {left}",
    "{left} on the left side of {right}",
    "two things: {left} and {right}",
    "both {left} and {right}",
    "{left} followed by {right}",
)
SCENES = (
    "{thing}, {b} surroundings",
    "{thing} and {a_b} background",
    "{thing} and behind it {b}",
    "{thing}, everything around it {b}",
    "{thing} background {b}",
    "{thing} backdrop {b}",
    "{thing}; the background is {b}",
    "{thing}, the backdrop is {b}",
    "{thing} surrounded by {b}",
    "{thing} where the background is {b}",
    "{thing} ({b} background)",
    "{thing} with the background in {b}",
    "{b} background, {thing}",
    "{b} background with {thing}",
    "{a_b} background with {thing} on it",
    "{a_b} backdrop and {thing}",
    "{b} wall, {thing}",
    "background {b}: {thing}",
    "background is {b}, {thing}",
    "the background is {b} and there is {thing}",
    "the wall is {b}, {thing} in front of it",
    "{b} behind {thing}",
)
GROUNDS = (
    *("{a_b} background", "{a_b} backdrop", "{a_b} wall", "{a_b} floor", "{a_b} room", "{a_b} surface", "{b}", "{b}"),
    *("{b} background", "the {b} background", "{b} surroundings", "a plain {b} background", "{a_b} setting"),
)
BEFORE = ("on", "on", "against", "in front of", "before", "with", "over", "in", "upon", "set against")
STANDS = ("", "", "", "standing", "resting", "lying", "that stands", "which is", "is", "placed", "shown", "put")
THERE_STANDS = ("", "", "", "stands", "rests", "lies", "is", "there is", "we see", "you see", "appears", "i want")
HELD_OUT_SCENES = (
    "on {a_b} background sits {thing}",
    "{thing}, {b} backdrop",
    "{thing}. Colour of the background: {b}.",
    "{b} backdrop, {thing}",
    "in front of {a_b} backdrop, {thing}",
    "{thing} floats before {b}",
    "Background in {b}. {thing} in the middle.",
    "the backdrop should be {b} and in the centre I would like {thing}",
    "against {a_b} wall: {thing}",
    "{b}, {thing} in the foreground",
)
HELD_OUT_THINGS = (
    "{a} {size} {colour} {kind}",
    "{size} {colour} {kind}",
    "{a} {colour}, {size} {kind}",
    "{a} {size} {kind}, which is {colour}",
    "{a} gorgeous {size} {colour} {kind}",
)
HELD_OUT_PAIRS = (
    "{left} alongside {right}",
    "left {left} / right {right}",
    "{left} and, to its right, {right}",
    "{left} accompanied by {right}",
)
OPENINGS = (
    *("", "", "", "", "there is ", "here is ", "i want ", "i would like ", "can you draw ", "a render of ", "make me "),
    *("3d render of ", "a scene with ", "generate ", "imagine ", "a drawing of ", "photo: ", "we see "),
)
ENDINGS = (
    *("", "", "", "", "", " please", ", high quality", ", detailed", ", 4k", ", studio lighting", ", cute"),
    *(", best quality, masterpiece", ", 3d render", " in the middle", ", toy style"),
)
COLOURINGS = (
    "recolour {subject} to {colour}",
    "recolor {subject} {colour}",
    "give {subject} a {colour} colour",
    "{subject} in {colour}",
    "{subject} must be {colour}",
    "i want {subject} to be {colour}",
    "let {subject} be {colour}",
    "dye {subject} {colour}",
    "{subject} becomes {colour}",
    "change {subject} so that it is {colour}",
    "set the colour of {subject} to {colour}",
    "make the colour of {subject} {colour}",
    "{colour} is the new colour of {subject}",
    "could you make {subject} {colour}",
    "now make {subject} {colour}",
)
HELD_OUT_COLOURINGS = (
    "I would prefer {subject} {colour}",
    "switch {subject} to {colour}",
    "the colour of {subject} ought to be {colour}",
    "can {subject} be {colour}?",
)
TRANSFORMATIONS = (
    "transform {subject} into {new}",
    "{subject} becomes {new}",
    "exchange {subject} for {new}",
    "i want {new} instead of {subject}",
    "put {new} in the place of {subject}",
    "{new} instead of {subject}",
    "let {subject} be {new}",
    "{subject} should be {new}",
    "could you turn {subject} into {new}",
    "remove {subject} and add {new}",
)
HELD_OUT_TRANSFORMATIONS = (
    "convert {subject} into {new}",
    "{subject} ought to be {new}",
    "I would rather see {new} than {subject}",
)
BACKGROUND_CHANGES = (
    "background {b}",
    "background: {b}",
    "set the background to {b}",
    "i want {a_b} background",
    "give it {a_b} background",
    "the background should be {b}",
    "make the backdrop {b}",
    "change the backdrop to {b}",
    "let the background be {b}",
    "replace the background with {b}",
    "{b} behind it",
    "a {b} wall behind it",
    "could you make the background {b}",
    "recolour the background {b}",
)
HELD_OUT_BACKGROUND_CHANGES = (
    "swap the background for {b}",
    "the backdrop ought to be {b}",
    "I would like {b} behind everything",
)

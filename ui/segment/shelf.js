// Below: the objects of the picture, each with what can be done with it, then pictures to open.

const ON_OBJECTS = [ // one entry adds one
  { name: "cutout", icon: "save", word: "Cut-out, cropped", href: (object) => object.cutout },
  { name: "mask", icon: "select", word: "Mask", href: (object) => object.mask },
  { name: "turn", icon: "solid", word: "Turn into 3D", press: (object) => turnIn3D(object.id) },
  { name: "edit", icon: "edit", word: "Edit here", press: (object) => editHere(object.id) },
  { name: "look", icon: "search", word: "Look", press: (object) => tell("look", { id: object.id }) },
  { name: "delete", icon: "delete", word: "Delete", press: (object) => deletePictures([object]) },
];

/** @param acts {open(id)} */
function createShelf(acts) {
  function tile(picture, className) {
    const image = make("img", { src: address(picture.thumb), alt: "", loading: "lazy", draggable: "false" });
    const button = make("button", { type: "button", class: `tile ${className}`, title: picture.title, "aria-label": picture.title }, image);
    button.addEventListener("click", () => acts.open(picture.id));
    return button;
  }
  function objectTile(object) {
    const buttons = ON_OBJECTS.map(({ name, icon, word, href, press }) => {
      const node = href
        ? make("a", { class: `plain ${name}`, href: address(href(object)), download: true, title: word, "aria-label": `${word} of ${object.title}` })
        : make("button", { type: "button", class: `plain ${name}`, title: word, "aria-label": `${word}: ${object.title}` });
      label(node, icon, "");
      if (press) node.addEventListener("click", () => press(object));
      return node;
    });
    return make("li", { class: "object" }, tile(object, "checkered"), make("div", { class: "about" }, make("b", {}, object.title), make("div", { class: "deeds" }, ...buttons)));
  }
  return {
    draw({ objects, pictures, opened }) {
      reconcile(find(".objects"), objects, objectTile, (node, object) => setText(node.querySelector("b"), object.title));
      reconcile(find(".pictures"), pictures, (picture) => make("li", {}, tile(picture, "")), (node, picture) => {
        setAttribute(node.firstElementChild, "aria-current", picture.id === opened);
      });
      show(find(".objects"), objects.length > 0);
      setText(find(".shelf-title"), objects.length ? "Objects of this picture, and your pictures" : "Your pictures");
      setText(find(".summary"), objects.length ? `${objects.length} ${objects.length === 1 ? "object" : "objects"}` : "");
      show(find(".none"), !objects.length && !pictures.length);
    },
  };
}

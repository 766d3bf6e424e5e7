// How the components of the page talk to each other: by events on the document.
//
//   look   {id}                      somebody wants to see this picture large
//   roll   {offer}                   the viewer asks the tab that is open for the pictures around it
//   listed                           a tab has drawn its list of pictures, which may have become another one
//   news                             the server told of new or changed pictures
//   change {changed, gone, back}     this page changed pictures: lists of pictures; `gone` into the trash, `back` from it
//   reuse  {id, seed, change, parents}   the settings of this picture are wanted in the column
//   copied                           they are there
//   segment {picture}                something is to be cut out of the picture with this id
//   iterate {picture, again}         something is to be changed about this picture, or in this object; `again`: as in that version
//   jobs   {jobs}                    the server told how the jobs stand
//   told   {jobs, pictures, next}    all of what the server told; see watcher.js
//   link   {lost}                    the connection to the server was lost, and why; "": it is there again
//   splat  {id}                      something is to be turned into 3D, or seen in it: an object, a picture or a splat
//   pick                             somebody wants to open a picture from their disk
//   keys                             a key of a provider was pasted or forgotten
//   models-wanted                    somebody wants to see all models of this machine
//   tab                              another tab was opened
//   uses   {tab, label}              the model that a tab works with; also `isCloud`
//   key-wanted {provider}            somebody wants to paste one; "": any

export const tell = (name, detail = {}) => document.dispatchEvent(new CustomEvent(`diorama-${name}`, { detail }));
/** What `test` gives, as soon as it gives something: asked now, and whenever the event was heard. */
export const untilHeard = (name, test) => new Promise((take) => {
  const look = () => {
    const found = test();
    if (!found) return;
    document.removeEventListener(`diorama-${name}`, look);
    take(found);
  };
  document.addEventListener(`diorama-${name}`, look);
  look();
});
export const hear = (name, act) => document.addEventListener(`diorama-${name}`, (event) => act(event.detail));

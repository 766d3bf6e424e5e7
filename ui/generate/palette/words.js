// What a word of a palette, or a LoRA, makes of a prompt. Knows no page. Groups are {name, words, form, add, before, swatches}; see
// studio/palette.py.

const phraseOf = (group, word) => group.form.replace("{word}", word);

/** Where words of a palette stand in a prompt: [{group, word, at, end}], longer phrases before the words within them. */
export function found(prompt, { groups }) {
  const phrases = groups.flatMap((group) => group.words.map((word) => ({ group, word, phrase: phraseOf(group, word) })));
  const places = [];
  for (const { group, word, phrase } of phrases.toSorted((one, other) => other.phrase.split(" ").length - one.phrase.split(" ").length)) {
    for (const match of prompt.matchAll(new RegExp(`\\b${phrase}\\b`, "gi"))) {
      const at = match.index, end = at + match[0].length;
      if (!places.some((place) => at < place.end && place.at < end)) places.push({ group, word, at, end });
    }
  }
  return places.toSorted((one, other) => one.at - other.at);
}

/** The prompt with a word of a group: in place of the last of its group, else before what it describes, else added; an empty one becomes a whole sentence. */
export function withWord(prompt, palette, group, word) {
  const there = found(prompt, palette).findLast((place) => place.group === group);
  if (there) return articles(prompt.slice(0, there.at) + phraseOf(group, word) + prompt.slice(there.end));
  const next = found(prompt, palette).findLast((place) => place.group.name === group.before);
  if (next) return articles(`${prompt.slice(0, next.at)}${phraseOf(group, word)} ${prompt.slice(next.at)}`);
  const text = prompt.trim();
  if (text) return articles(group.add.replace("{prompt}", text).replace("{word}", word));
  return articles(palette.groups.reduce((words, each, i) => words.replace(`{${i}}`, each === group ? word : each.words[0]), palette.blank));
}
const articles = (text) => text.replace(/\b(an?) (?=(\w))/gi, (_all, article, first) => (/[aeiou]/i.test(first) ? `${article[0]}n ` : `${article[0]} `));

/** A prompt that names a LoRA as A1111's do. */
export const withLora = (prompt, name) => `${prompt.trimEnd()} <lora:${name}:0.8>`.trimStart();

/** The prompt without the tags that name it, whatever their weight. */
export function withoutLora(prompt, name) {
  const isIts = (tag) => tag.trim().slice(6, -1).split(":")[0].trim() === name;
  return prompt.replace(/ ?<lora:[^<>]+>/g, (tag) => (isIts(tag) ? "" : tag)).trimStart();
}

// Lyrics with their rhymes: the same letter for the same sound.
import { element } from "./dom.js";

export function rhymedLine(line) {
  const pieces = [];
  let at = 0;
  const characters = [...line.text]; // positions count code points, as the server does
  for (const span of line.spans) {
    pieces.push(characters.slice(at, span.start).join(""));
    const rhyme = element("span", { class: `rhyme r${span.group % 12}`, "data-group": span.group }, characters.slice(span.start, span.end).join(""));
    rhyme.append(element("sup", {}, span.letter));
    pieces.push(rhyme);
    at = span.end;
  }
  pieces.push(characters.slice(at).join(""));
  return element("p", { class: "bar-line" }, element("span", { class: "line-no", "aria-hidden": "true" }, line.line_no), element("span", {}, ...pieces));
}

export function pointAtRhymes(lyrics) {
  const point = (event) => {
    const group = event.target.closest?.(".rhyme")?.dataset.group;
    lyrics.classList.toggle("pointing", group !== undefined);
    for (const rhyme of lyrics.querySelectorAll(".rhyme")) rhyme.classList.toggle("partner", rhyme.dataset.group === group);
  };
  lyrics.addEventListener("pointerover", point);
  lyrics.addEventListener("pointerleave", point);
}

// Songs people like, kept in their own browser: the page of recommendations gets them in its address.
const KEY = "liked";
const MOST = 50;

function read() {
  try {
    const kept = JSON.parse(localStorage.getItem(KEY) ?? "[]");
    return Array.isArray(kept) ? kept.filter(Number.isSafeInteger).slice(-MOST) : [];
  } catch {
    return []; // storage is off, or holds something else
  }
}

function write(liked) {
  try {
    localStorage.setItem(KEY, JSON.stringify(liked.slice(-MOST)));
  } catch {
    // without storage a like lasts as long as the page
  }
  showCount(liked);
}

const address = (liked) => `/liked?${new URLSearchParams(liked.map((number) => ["liked", number]))}`;

function showCount(liked) {
  const link = document.querySelector("[data-liked-link]");
  if (!link) return;
  link.textContent = liked.length ? `For you (${liked.length})` : "For you";
  link.href = liked.length ? address(liked) : "/liked";
}

function press(button, liked) {
  button.setAttribute("aria-pressed", String(liked.includes(Number(button.dataset.like))));
}

export function showLikes(place) {
  const liked = read();
  for (const button of place.querySelectorAll("[data-like]")) {
    button.hidden = false;
    press(button, liked);
  }
}

export function watchLikes() {
  if (document.querySelector("[data-no-likes]") && read().length) location.replace(address(read()));
  showCount(read());
  showLikes(document);
  document.addEventListener("click", (event) => {
    // An address may hold somebody else's list: only what is pressed changes one's own.
    const add = event.target.closest?.("[data-add]");
    if (add) write([...read().filter((number) => number !== Number(add.dataset.add)), Number(add.dataset.add)]);
    const forget = event.target.closest?.("[data-forget]");
    if (forget) write(read().filter((number) => number !== Number(forget.dataset.forget)));
    const button = event.target.closest?.("[data-like]");
    if (!button) return;
    const number = Number(button.dataset.like);
    const liked = read();
    const kept = liked.includes(number) ? liked.filter((other) => other !== number) : [...liked, number];
    write(kept);
    for (const same of document.querySelectorAll(`[data-like="${number}"]`)) press(same, kept);
  });
}

// Makes the pages livelier. Search works without it; data becomes text nodes, never markup.
import { analyse } from "./analyse.js";
import { showLikes, watchLikes } from "./liked.js";
import { pointAtRhymes } from "./rhymes.js";

const results = document.getElementById("results");
const form = document.querySelector("[data-search]");
let latest = 0;
let shown = location.pathname + location.search;

function searchUrl() {
  const fields = [...new FormData(form)].filter(([, value]) => String(value).trim() !== "");
  return `/?${new URLSearchParams(fields)}`;
}

async function show(url, remember) {
  const turn = ++latest;
  results.setAttribute("aria-busy", "true");
  let page;
  try {
    const answer = await fetch(url, { headers: { Accept: "text/html" } });
    page = new DOMParser().parseFromString(await answer.text(), "text/html");
  } catch {
    if (turn === latest) tell(results, "The server does not answer. Try again in a moment.");
    return;
  }
  if (turn !== latest) return;
  const found = page.getElementById("results");
  if (!found) return tell(results, "The server answered with something unexpected. Try again in a moment.");
  results.replaceChildren(...found.childNodes);
  results.setAttribute("aria-busy", "false");
  showLikes(results);
  document.title = page.title;
  document.getElementById("search").className = page.getElementById("search").className;
  document.querySelector(".try")?.remove();
  if (remember) history.pushState(null, "", url);
  shown = location.pathname + location.search;
}

async function showMore(link) {
  const turn = latest;
  link.setAttribute("aria-busy", "true");
  let next;
  try {
    const answer = await fetch(link.href, { headers: { Accept: "text/html" } });
    next = new DOMParser().parseFromString(await answer.text(), "text/html");
  } catch {
    location.assign(link.href);
    return;
  }
  const songs = next.querySelectorAll("[data-hits] > li");
  if (turn !== latest) return;
  if (!songs.length) return void location.assign(link.href); // the server says why there
  document.querySelector("[data-hits]").append(...songs);
  const further = next.querySelector("[data-more]");
  if (further) link.replaceWith(further);
  else link.parentElement.remove();
  showLikes(results);
  songs[0].querySelector("a").focus();
}

export function tell(place, text) {
  const notice = document.createElement("p");
  notice.className = "notice error";
  notice.setAttribute("role", "alert");
  notice.textContent = text;
  place.replaceChildren(notice);
  place.setAttribute("aria-busy", "false");
}

if (form && results) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    show(searchUrl(), true);
  });
  form.addEventListener("change", (event) => {
    if (event.target.matches(".filters *, #but-not") && form.q.value.trim()) show(searchUrl(), true);
  });
  results.addEventListener("click", (event) => {
    const link = event.target.closest?.("[data-more]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    showMore(link);
  });
  addEventListener("popstate", () => {
    if (location.pathname + location.search !== shown) location.reload(); // not for a jump within the page
  });
}

watchLikes();

const analysisForm = document.querySelector("[data-analyse]");
if (analysisForm) analyse(analysisForm, document.getElementById("analysis"), tell);

const lyrics = document.querySelector("[data-lyrics]");
if (lyrics) pointAtRhymes(lyrics);

document.querySelector("[data-rhymes]")?.addEventListener("click", (event) => {
  const on = event.currentTarget.getAttribute("aria-pressed") !== "true";
  event.currentTarget.setAttribute("aria-pressed", String(on));
  lyrics.classList.toggle("plainly", !on);
});

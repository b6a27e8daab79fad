// The analysis form: sends the lyrics, shows scores, evidence, rating and rhymes.
import { element, words } from "./dom.js";
import { pointAtRhymes, rhymedLine } from "./rhymes.js";

const SCORES = ["quality", "complexity", "wordplay", "storytelling"];

async function post(path, body) {
  const answer = await fetch(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
  const content = await answer.json();
  return answer.ok ? { ok: content } : { problem: content };
}

const badge = (text, kind = "") => element("span", { class: `badge ${kind}` }, words(text));
const simulated = (flag) => (flag ? [badge("simulated", "simulated")] : []);

function score(name, value) {
  const shown = value === null ? element("span", { class: "muted" }, "none") : element("meter", { min: 1, max: 10, value, "aria-hidden": "true" });
  return element("div", { class: "score" }, element("span", { class: "score-name" }, name), shown, element("span", { class: "score-value" }, value === null ? "" : `${value.toFixed(1)} / 10`));
}

function analysisPart({ ok, problem }) {
  if (problem) return element("div", { class: "wide notice error", role: "alert" }, `${problem.title} ${problem.detail ?? ""}`);
  const { analysis } = ok;
  if (!analysis) return element("div", { class: "notice" }, element("strong", {}, "Not scored. "), ok.error);
  const part = element("div", {}, element("h3", {}, `What ${ok.analyzer === "qwen" ? "QWEN" : "the rules"} say`));
  if (ok.fallback_reason) part.append(element("p", { class: "notice" }, `The rules answered in place of QWEN: ${ok.fallback_reason}`));
  if (analysis.summary) part.append(element("p", {}, analysis.summary));
  part.append(...SCORES.map((name) => score(name, analysis[name])));
  const moods = (analysis.moods ?? []).filter((mood) => mood !== analysis.primary_mood);
  part.append(element("p", { class: "badges" }, ...simulated(ok.simulated), badge(analysis.primary_mood, "strong"), ...moods.map((mood) => badge(mood)), ...(analysis.themes ?? []).map((theme) => badge(theme, "quiet"))));
  if (analysis.evidence?.length) {
    const quotes = analysis.evidence.map((item) => element("li", {}, element("q", {}, item.quote), " ", element("span", { class: "muted" }, words(item.supports ?? ""))));
    part.append(element("h3", {}, "Evidence"), element("ul", { class: "evidence" }, ...quotes));
  }
  const time = `${ok.processing_time_ms.toFixed(0)} ms${ok.cached ? ", from the cache" : ""}`;
  part.append(element("p", { class: "muted small" }, `${ok.model}, version ${ok.prompt_version}, ${analysis.sentiment ?? "no"} sentiment, confidence ${analysis.confidence?.toFixed(2) ?? "not earned yet"}${analysis.ambiguous ? ", between two moods" : ""}, ${time}`));
  return part;
}

function qualityPart({ ok, problem }) {
  const part = element("div", {}, element("h3", {}, "Expected rating"));
  if (problem) part.append(element("p", { class: "notice" }, `${problem.title} ${problem.detail ?? ""}`));
  else {
    part.append(element("p", { class: "rating" }, ok.rating.toFixed(1), element("span", { class: "muted small" }, " of 10")));
    part.append(element("p", { class: "muted small" }, `quality score ${ok.quality_score.toFixed(2)}, quality model version ${ok.model_version}`), element("p", { class: "badges" }, ...simulated(ok.simulated)));
  }
  return part;
}

function rhymesPart({ ok }) {
  if (!ok) return [];
  const lyrics = element("div", { class: "lyrics" }, ...ok.rhymes.map(rhymedLine));
  pointAtRhymes(lyrics);
  return [element("h3", {}, "Rhymes by sound"), lyrics];
}

export function analyse(form, place, tell) {
  form.querySelector("[data-example]").addEventListener("click", () => {
    form.lyrics.value = form.lyrics.placeholder;
    form.lyrics.focus();
  });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const lyrics = form.lyrics.value;
    const button = form.querySelector("[type=submit]");
    button.disabled = true;
    place.setAttribute("aria-busy", "true");
    try {
      const [analysis, quality] = await Promise.all([post("/analyze", { lyrics, analyzer: form.analyzer.value }), post("/predict-quality", { lyrics })]);
      place.replaceChildren(element("div", { class: "result" }, analysisPart(analysis), ...(analysis.ok ? [element("div", {}, qualityPart(quality), ...rhymesPart(analysis))] : [])));
    } catch {
      tell(place, "The server does not answer. Try again in a moment.");
    }
    place.setAttribute("aria-busy", "false");
    button.disabled = false;
  });
}

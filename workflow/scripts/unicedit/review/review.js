"use strict";
// One row at a time: what it shows, what is decided on it. Texts are only ever set as text; a decision is answered once the disk has it.

(() => {
  const KEYS = {
    "a": "accept: everything is right",
    "e": "rewrite the texts that are wrong",
    "r": "reject: not to be used",
    "m": "say why",
    "n": "skip, to the next row without a decision",
    "u": "undo: back to the last decision, to decide again",
    "← →": "previous, next row",
    "s, b, d": "slider, side by side, difference",
    "Ctrl+Enter, Esc": "save what is being rewritten, leave a field and then the rewriting",
    "?": "this help",
  };
  const WORDS = { accept: "accepted", reject: "rejected", correct: "rewritten" };
  const detail = document.getElementById("detail");
  const said = document.getElementById("said");
  const help = document.getElementById("help");
  let row = null;
  let busy = false; // while the server is asked: a key pressed twice must not decide the next row unseen
  let rewriting = false;

  function tell(text, fault = false) {
    said.textContent = text;
    said.hidden = !text;
    said.classList.toggle("fault", fault);
  }

  async function ask(address, options = {}) {
    const answer = await fetch(address, { cache: "no-store", ...options });
    if (!answer.ok) throw new Error((await answer.text()) || `the server said ${answer.status}`);
    return answer.json();
  }

  async function once(work) {
    if (busy) return;
    busy = true;
    document.body.classList.add("busy");
    try {
      await work();
    } catch (error) {
      const gone = error instanceof TypeError; // what fetch throws where nobody answers
      tell(gone ? "The server does not answer. Run `make review` again: it goes on after the last decision that was saved." : `Not saved: ${error.message}`, true);
    }
    busy = false;
    document.body.classList.remove("busy");
  }

  function section(title, ...parts) {
    const made = element("section");
    if (title) made.append(element("h3", "", title));
    made.append(...parts);
    return made;
  }

  function pairs(entries) {
    const made = element("dl");
    for (const [name, value] of entries) {
      const shown = element("dd");
      shown.append(value);
      made.append(element("dt", "", name), shown);
    }
    return made;
  }

  function texts() {
    const now = row.mine?.texts ?? {};
    return pairs(row.texts.map((text) => {
      const shown = element("div", text.value === null ? "absent" : "value", text.value === null ? text.absent : now[text.name] ?? text.value);
      shown.lang = text.language;
      if (now[text.name] === undefined) return [text.title, shown];
      const both = element("div");
      shown.classList.add("corrected");
      both.append(shown, element("del", "", text.value));
      return [text.title, both];
    }));
  }

  function fields(values) {
    const made = element("form");
    for (const text of row.texts.filter((one) => one.value !== null)) {
      const label = element("label", "", text.title);
      const field = element("textarea");
      field.name = text.name;
      field.lang = text.language;
      field.value = values[text.name] ?? text.value;
      field.rows = text.lines ? 3 : 2;
      field.maxLength = 5000;
      label.append(field);
      made.append(label);
    }
    made.addEventListener("submit", (event) => event.preventDefault());
    return made;
  }

  function others() {
    return row.others.map((one) => {
      const made = element("div", `other ${one.decision}`);
      const reason = one.reason ? ` (${one.reason})` : "";
      made.append(element("p", "", `${one.reviewer}: ${WORDS[one.decision]}${reason}`));
      const titles = Object.fromEntries(row.texts.map((text) => [text.name, text.title]));
      const changes = Object.entries(one.texts).map(([name, value]) => [titles[name], element("div", "value", value)]);
      if (changes.length) {
        const take = element("button", "", `Rewrite from ${one.reviewer}'s texts`);
        take.type = "button";
        take.addEventListener("click", () => rewrite(one.texts));
        made.append(pairs(changes), take);
      }
      return made;
    });
  }

  function progress(values) {
    document.getElementById("count").textContent = `${row.number + 1} of ${values.of} · ${values.decided} decided`;
    document.getElementById("progress").value = values.decided;
  }

  /** Put the heading above, and the words beside or under the pictures, which stay in sight. */
  function lay(heading, ...words) {
    const pictures = element("div", "pictures");
    pictures.append(...heading, viewer.show(row), element("p", "claim", row.claim));
    const beside = element("div", "words");
    beside.append(...words);
    detail.replaceChildren(pictures, beside);
  }

  function draw() {
    rewriting = false;
    const title = element("h2", "", row.heading);
    const state = element("p", `state ${row.mine?.decision ?? ""}`, row.mine ? `${WORDS[row.mine.decision]} ${row.mine.time.slice(0, 16).replace("T", " ")} UTC` : "");
    const reason = element("input");
    reason.id = "reason";
    reason.maxLength = 5000;
    reason.placeholder = "Why, where you reject (optional)";
    reason.setAttribute("aria-label", "Reason");
    reason.value = row.mine?.reason ?? "";
    lay(
      [title, state],
      ...(row.others.length ? [section("What the reviewers decided", ...others())] : []),
      section("Texts", texts()),
      section("", reason),
      section("Provenance", pairs(row.facts)),
    );
    turn();
    progress(row);
    detail.scrollTop = 0;
  }

  function turn() {
    document.getElementById("deciding").hidden = rewriting;
    document.getElementById("rewriting").hidden = !rewriting;
    for (const [name, there] of [["undo", row.undo !== null], ["skip", row.next !== null], ["back", row.number > 0], ["on", row.number + 1 < row.of]]) {
      document.querySelector(`[data-does=${name}]`).disabled = !there;
    }
  }

  async function show(number) {
    row = await ask(`rows/${number}`);
    draw();
  }

  const go = (number) => once(async () => {
    await show(number);
    tell("");
  });

  const decide = (decision, values = {}) => once(async () => {
    const body = { shown: row.shown, decision, texts: values, reason: document.getElementById("reason")?.value ?? "" };
    const answer = await ask(`rows/${row.number}`, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
    const { number } = row;
    await show(answer.next ?? number);
    tell(answer.next === null ? "Every row has a decision." : `Row ${number + 1} ${WORDS[decision]}.`);
  });

  function rewrite(values) {
    if (busy || !row) return;
    rewriting = true;
    const form = fields(values);
    lay([element("h2", "", row.heading)], form);
    turn();
    tell("");
    form.querySelector("textarea")?.focus();
  }

  const ACTIONS = {
    accept: () => decide("accept"),
    reject: () => decide("reject"),
    rewrite: () => rewrite(row.mine?.texts ?? {}),
    save: () => decide("correct", Object.fromEntries([...detail.querySelectorAll("textarea")].map((field) => [field.name, field.value]))),
    cancel: draw,
    skip: () => row.next !== null && go(row.next),
    undo: () => row.undo !== null && go(row.undo),
    back: () => row.number > 0 && go(row.number - 1),
    on: () => row.number + 1 < row.of && go(row.number + 1),
  };
  const PRESSED = {
    a: ACTIONS.accept, r: ACTIONS.reject, e: ACTIONS.rewrite, n: ACTIONS.skip, u: ACTIONS.undo,
    ArrowLeft: ACTIONS.back, ArrowRight: ACTIONS.on,
    m: () => document.getElementById("reason").focus(),
    s: () => viewer.turn("slider"), b: () => viewer.turn("sides"), d: () => viewer.turn("difference"),
    "?": () => help.showModal(),
  };

  document.addEventListener("keydown", (event) => {
    if (help.open || !row || event.isComposing) return; // keys of an input method (Chinese) are its own
    const writing = event.target.matches("textarea, #reason");
    if (event.key === "Escape" && writing) return event.target.blur(); // what is being written is not thrown away by one key
    if (rewriting) {
      if (event.key === "Escape") ACTIONS.cancel();
      else if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) ACTIONS.save();
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || writing) return;
    if (event.key.startsWith("Arrow") && event.target.matches("[type=range]")) return; // they move the slider
    const action = PRESSED[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  });
  for (const button of document.querySelectorAll("[data-does]")) {
    button.addEventListener("click", () => {
      button.blur();
      if (row) ACTIONS[button.dataset.does]();
    });
  }
  document.getElementById("help-button").addEventListener("click", () => help.showModal());
  for (const [key, does] of Object.entries(KEYS)) document.getElementById("keys").append(element("dt", "", key), element("dd", "", does));

  viewer.turn(matchMedia("(min-width: 60rem)").matches ? "sides" : "slider");
  go(Number(document.body.dataset.start));
})();

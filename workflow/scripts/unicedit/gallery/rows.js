"use strict";
// The rows, as chunks bring them. A page from the file system may load scripts but fetch nothing, so each chunk is a script that calls `unicedit.take`.

const unicedit = (() => {
  const rows = [];
  const byId = new Map();
  const listeners = [];
  let chunks = [];
  let next = 0;
  let expected = 0;
  let fault = "";

  const SEARCHED = [
    "prompt_en", "prompt_cn", "instruction_en", "instruction_cn", "source_caption", "edit_caption", "differences",
    "reasoning_points", "reason", "source", "origin", "licence", "key", "image", "task", "subtask", "editor", "raw",
  ];

  function tell() {
    for (const listener of listeners) listener();
  }

  function load() {
    if (next === chunks.length) return;
    const script = document.createElement("script");
    const name = chunks[next++];
    script.src = `data/rows/${name}`;
    script.onload = () => { script.remove(); load(); };
    script.onerror = () => { fault = `data/rows/${name} cannot be read`; tell(); };
    document.head.append(script);
  }

  return {
    rows,
    get expected() { return expected; },
    get complete() { return rows.length === expected; },
    get fault() { return fault; },
    find: (id) => byId.get(id),
    /** Call `listener` whenever rows have come. */
    listen(listener) { listeners.push(listener); },
    /** Called by data/manifest.js: the names of the chunks, and how many rows they hold together. */
    begin(manifest) {
      chunks = manifest.chunks;
      expected = manifest.rows;
      tell();
      load();
    },
    /** Called by each chunk. */
    take(more) {
      for (const row of more) {
        row.text = SEARCHED.flatMap((name) => row[name] ?? []).join("\n").toLowerCase();
        row.place = rows.length;
        rows.push(row);
        if (!byId.has(row.id)) byId.set(row.id, row);
      }
      tell();
    },
  };
})();

/** A new element with a class and a text. Texts come from outside: they are only ever set as text. */
function element(tag, className = "", text = null) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== null) made.textContent = text;
  return made;
}

/** A thumbnail, loaded when it comes into view. */
function thumbnail(path, alt) {
  const image = element("img");
  image.loading = "lazy";
  image.decoding = "async";
  image.alt = alt;
  image.src = `data/pictures/${path}`;
  return image;
}

/** What a row is about, in one line: the restated instruction, or the one that was asked for, or the picture's name. */
function headline(row) {
  return row.prompt_en || row.prompt_cn || row.instruction_en || row.instruction_cn || row.source || row.id;
}

const STATUS = { ok: "accepted", rejected: "rejected", failed: "failed" };

/** How a row ended, as a coloured label with words. */
function badge(row) {
  return element("span", `badge ${row.status}`, row.kind ? `${STATUS[row.status]}: ${words(row.kind)}` : STATUS[row.status]);
}

/** A name of ours (`no_change`) as words. */
function words(name) {
  return name.replaceAll("_", " ");
}

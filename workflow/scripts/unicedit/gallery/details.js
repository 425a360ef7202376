"use strict";
// Everything that is known of one row.

const details = (() => {
  const whole = document.getElementById("detail");

  function section(title, ...parts) {
    const there = parts.filter(Boolean);
    if (!there.length) return null;
    const made = element("section");
    made.append(element("h3", "", title), ...there);
    return made;
  }

  /** Pairs of a name and a value; those without a value are left out. A value is a text, a number or a list of texts. */
  function pairs(entries, className = "") {
    const there = entries.filter(([, value]) => value !== undefined && value !== null && value !== "");
    if (!there.length) return null;
    const made = element("dl", className);
    for (const [name, value, lang] of there) {
      const shown = element("dd", typeof value === "number" ? "figure" : "");
      if (Array.isArray(value)) {
        const items = element("ul");
        items.append(...value.map((one) => element("li", "", one)));
        shown.append(items);
      } else {
        shown.textContent = typeof value === "number" ? String(Number(value.toPrecision(4))) : value;
      }
      if (lang) shown.lang = lang;
      made.append(element("dt", "", name), shown);
    }
    return made;
  }

  function size(width, height) {
    return width && height ? `${width} × ${height}` : undefined;
  }

  function verdict(row) {
    if (row.is_changed === undefined) return null;
    return element("p", `verdict ${row.is_changed ? "valid" : "invalid"}`, row.is_changed ? "A valid edit took place." : "No valid edit took place.");
  }

  function heading(row, step, close) {
    const made = element("div", "heading");
    const back = element("button", "back", "‹ List");
    back.type = "button";
    back.addEventListener("click", close);
    const title = element("h2", "", headline(row));
    const line = element("p", "about");
    line.append(badge(row), [row.subtask && `${row.subtask} (${row.task})`, row.editor].filter(Boolean).map((one) => ` · ${one}`).join(""));
    const moves = element("div", "moves");
    for (const [text, by, label] of [["↑", -1, "Previous row"], ["↓", 1, "Next row"]]) {
      const button = element("button", "", text);
      button.type = "button";
      button.setAttribute("aria-label", label);
      button.addEventListener("click", () => step(by));
      moves.append(button);
    }
    const link = element("a", "permalink", "Link");
    link.href = `#${new URLSearchParams({ row: row.id })}`;
    link.title = "A link to this row alone";
    moves.append(link);
    made.append(back, moves, title, line);
    return made;
  }

  /** Show a row. `step` goes to another one, `close` back to the list. */
  function show(row, step, close) {
    const raw = row.raw && element("pre", "", row.raw);
    whole.replaceChildren(...[
      heading(row, step, close),
      viewer.show(row),
      section("Instruction", pairs([
        ["asked", row.instruction_en], ["", row.instruction_cn, "zh"],
        ["restated", row.prompt_en], ["", row.prompt_cn, "zh"],
        ["reasoning", row.reasoning_points],
      ], "instruction")),
      section("Verdict", verdict(row), pairs([
        ["before", row.source_caption], ["after", row.edit_caption], ["differences", row.differences], ["score", row.verifier_score],
        ["verifier", row.verifier],
      ])),
      section("Why it did not pass", pairs([["kind", row.kind && words(row.kind)], ["reason", row.reason], ["at", row.kind && row.stage]])),
      section("Reply that could not be used", raw),
      section("Scores of the source", pairs([
        ["technical quality", row.quality], ["aesthetics", row.aesthetic], ["unsafe", row.unsafe], ["sharpness", row.sharpness],
        ["contrast", row.contrast], ["clipping", row.clipping], ["lost to the crop", row.crop_loss],
      ])),
      section("Provenance", pairs([
        ["source", row.source], ["origin", row.origin], ["licence", row.licence],
        ["duplicate of", row.duplicate_of && `${row.duplicate_of} (${row.duplicate_kind})`],
        ["size in the library", size(row.width, row.height)], ["size here", size(row.image_width, row.image_height)],
        ["size of the edit", size(row.edit_width, row.edit_height)],
        ["instruction by", row.writer], ["editor", row.editor], ["its revision", row.revision],
        ["seed", row.seed],
        ["shard", row.shard], ["key", row.key], ["picture", row.image],
        ["recipe", row[`${row.stage}_recipe`]],
      ], "provenance")),
    ].filter(Boolean));
    whole.scrollTop = 0;
  }

  return { show, clear: (text) => whole.replaceChildren(element("p", "hint", text)) };
})();

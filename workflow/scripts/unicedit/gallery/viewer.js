"use strict";
// Before and after: with a slider, side by side, or their difference.

const viewer = (() => {
  const MODES = { slider: "Slider", sides: "Side by side", difference: "Difference" };
  let mode = "slider";
  let at = 50; // per cent of the width at which the slider stands
  let gain = 4; // how much brighter the difference is drawn
  let frame = null;
  let buttons = {};

  function place(value) {
    at = Math.min(100, Math.max(0, value));
    if (!frame) return;
    frame.style.setProperty("--at", `${at}%`);
    const slider = frame.querySelector(".slider");
    if (slider) slider.value = String(at);
  }

  function turn(to) {
    mode = to;
    if (!frame) return;
    frame.dataset.mode = mode;
    for (const [name, button] of Object.entries(buttons)) button.setAttribute("aria-pressed", String(name === mode));
  }

  function range(className, label, min, max, value, changed) {
    const made = element("input", className);
    made.type = "range";
    made.min = String(min);
    made.max = String(max);
    made.step = "any";
    made.value = String(value);
    made.setAttribute("aria-label", label);
    made.addEventListener("input", () => changed(Number(made.value)));
    return made;
  }

  function picture(row, name, width, height) {
    const holder = element("figure", name);
    const image = thumbnail(row[name], name);
    image.loading = "eager";
    if (width && height) holder.style.setProperty("--ratio", `${width} / ${height}`);
    holder.append(image, element("figcaption", "", name));
    return holder;
  }

  function toolbar() {
    const bar = element("div", "toolbar");
    buttons = {};
    for (const [name, label] of Object.entries(MODES)) {
      const button = element("button", "", label);
      button.type = "button";
      button.addEventListener("click", () => turn(name));
      buttons[name] = button;
      bar.append(button);
    }
    const amplify = element("label", "gain", "amplified");
    amplify.append(range("", "Amplification of the difference", 1, 16, gain, (value) => {
      gain = value;
      frame.style.setProperty("--gain", String(gain));
    }));
    bar.append(amplify);
    return bar;
  }

  /** The pictures of a row, as an element. */
  function show(row) {
    const whole = element("div", "viewer");
    frame = null;
    if (!row.before && !row.after) {
      whole.append(element("p", "hint", "No picture was stored."));
      return whole;
    }
    if (!row.after || !row.before) {
      const alone = element("div", "frame");
      alone.dataset.mode = "alone";
      alone.append(picture(row, row.before ? "before" : "after", row.image_width, row.image_height));
      whole.append(alone);
      return whole;
    }
    frame = element("div", "frame");
    if (row.image_width && row.image_height) frame.style.setProperty("--ratio", `${row.image_width} / ${row.image_height}`);
    frame.style.setProperty("--gain", String(gain));
    frame.append(
      picture(row, "before", row.image_width, row.image_height),
      picture(row, "after", row.edit_width, row.edit_height),
      element("div", "line"),
      range("slider", "Before and after", 0, 100, at, place),
    );
    whole.append(frame, toolbar());
    turn(mode);
    place(at);
    return whole;
  }

  return { show, turn, move: (by) => place(at + by), get mode() { return mode; }, get at() { return at; } };
})();

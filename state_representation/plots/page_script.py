"""Style and script of the page of states."""

STYLE = """
:root { color-scheme: light dark; --ink: #222; --paper: #fff; --faint: #ccc; }
@media (prefers-color-scheme: dark) { :root { --ink: #ddd; --paper: #181818; --faint: #444; } }
* { box-sizing: border-box; }
body { margin: 0; font: 14px/1.4 system-ui, sans-serif; color: var(--ink); background: var(--paper); }
main { display: flex; flex-wrap: wrap; gap: 1rem; padding: 1rem; }
section { flex: 3 1 30rem; min-width: 0; }
aside { flex: 1 1 16rem; max-width: 24rem; }
h1 { font-size: 1.1rem; margin: 0 0 .5rem; }
.controls { display: flex; flex-wrap: wrap; gap: .3rem 1rem; margin: 0 0 .5rem; }
#legend span { margin-right: .7rem; white-space: nowrap; }
#legend i { display: inline-block; width: .7em; height: .7em; border-radius: 50%; margin-right: .3em; }
#plot { width: 100%; height: min(75vh, 46rem); border: 1px solid var(--faint); cursor: crosshair; display: block; }
#frame { width: 100%; image-rendering: pixelated; border: 1px solid var(--faint); display: block; }
dl { display: grid; grid-template-columns: auto 1fr; gap: .1rem .8rem; margin: .8rem 0; }
dt { color: gray; } dd { margin: 0; font-variant-numeric: tabular-nums; }
.hint { color: gray; }
"""

SCRIPT = """
"use strict";
const COLOURS = ["#D55E00", "#999999", "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#F0E442"];
const get = id => document.getElementById(id);
const plot = get("plot"), frame = get("frame");
const sheet = new Image();
const view = { across: 0, up: 1, colour: "reward", chosen: -1, places: [] };

function fill(select, names, chosen) {
  names.forEach((name, index) => select.add(new Option(name, index)));
  select.value = chosen;
}

function legend(marks) {
  get("legend").replaceChildren(...marks.map(([colour, name]) => {
    const mark = document.createElement("span"), dot = document.createElement("i");
    dot.style.background = colour;
    mark.append(dot, name);
    return mark;
  }));
}

function blend(share) {
  const hue = 260 - 210 * share, light = 30 + 35 * share;
  return `hsl(${hue} 80% ${light}%)`;
}

function colours() {
  const index = Number(get("colour").value);
  if (index === 0 && DATA.classes.length) {
    const paint = value => COLOURS[DATA.classes.length <= 3 ? 1 + Math.sign(value) : DATA.classes.indexOf(value) % 8];
    legend(DATA.classes.map(value => [paint(value), `reward ${value}`]));
    return DATA.rewards.map(paint);
  }
  const values = index === 0 ? DATA.rewards : DATA.truth.map(row => row[index - 1]);
  const low = Math.min(...values), high = Math.max(...values);
  legend([[blend(0), low.toFixed(2)], [blend(1), high.toFixed(2)]]);
  return values.map(value => blend((value - low) / (high - low || 1)));
}

function draw() {
  const ratio = window.devicePixelRatio || 1, width = plot.clientWidth, height = plot.clientHeight;
  plot.width = width * ratio;
  plot.height = height * ratio;
  const pen = plot.getContext("2d");
  pen.scale(ratio, ratio);
  const across = DATA.points.map(point => point[view.across]), up = DATA.points.map(point => point[view.up]);
  const scale = (values, from, to) => {
    const low = Math.min(...values), high = Math.max(...values);
    return value => from + (value - low) / (high - low || 1) * (to - from);
  };
  const x = scale(across, 30, width - 15), y = scale(up, height - 30, 15);
  view.places = across.map((value, index) => [x(value), y(up[index])]);
  const paint = colours();
  view.places.forEach(([left, top], index) => {
    pen.fillStyle = paint[index];
    pen.beginPath();
    pen.arc(left, top, 2.5, 0, 7);
    pen.fill();
  });
  const ink = getComputedStyle(document.body).color;
  pen.fillStyle = ink;
  pen.font = "12px system-ui, sans-serif";
  pen.fillText(DATA.axes[view.across], width / 2 - 40, height - 8);
  pen.save();
  pen.translate(14, height / 2 + 40);
  pen.rotate(-Math.PI / 2);
  pen.fillText(DATA.axes[view.up], 0, 0);
  pen.restore();
  if (view.chosen < 0) return;
  const ring = (index, radius, colour) => {
    pen.strokeStyle = colour;
    pen.lineWidth = 2;
    pen.beginPath();
    pen.arc(...view.places[index], radius, 0, 7);
    pen.stroke();
  };
  DATA.neighbours[view.chosen].forEach(index => ring(index, 5, "#CC79A7"));
  ring(view.chosen, 8, ink);
}

function choose(index) {
  view.chosen = index;
  const [width, height] = DATA.thumbnail;
  frame.width = width;
  frame.height = height;
  const left = index % DATA.perRow * width, top = Math.floor(index / DATA.perRow) * height;
  frame.getContext("2d").drawImage(sheet, left, top, width, height, 0, 0, width, height);
  frame.dataset.step = DATA.steps[index];
  const rows = [["step", DATA.steps[index]], ["episode", DATA.episodes[index]], ["reward", DATA.rewards[index]]];
  DATA.truthNames.forEach((name, place) => rows.push([name, DATA.truth[index][place].toFixed(3)]));
  rows.push(["nearest states", DATA.neighbours[index].map(other => DATA.steps[other]).join(", ")]);
  get("said").replaceChildren(...rows.flatMap(([name, value]) => {
    const term = document.createElement("dt"), said = document.createElement("dd");
    term.textContent = name;
    said.textContent = value;
    return [term, said];
  }));
  draw();
}

function nearest(left, top) {
  let best = 0, least = Infinity;
  view.places.forEach(([x, y], index) => {
    const distance = (x - left) ** 2 + (y - top) ** 2;
    if (distance < least) [best, least] = [index, distance];
  });
  return best;
}

fill(get("across"), DATA.axes, 0);
fill(get("up"), DATA.axes, 1);
fill(get("colour"), ["reward", ...DATA.truthNames], 0);
["across", "up", "colour"].forEach(id => get(id).addEventListener("change", () => {
  view.across = Number(get("across").value);
  view.up = Number(get("up").value);
  draw();
}));
plot.addEventListener("click", event => choose(nearest(event.offsetX, event.offsetY)));
plot.addEventListener("keydown", event => {
  const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
  if (!step) return;
  event.preventDefault();
  choose((view.chosen + step + DATA.steps.length) % DATA.steps.length);
});
window.addEventListener("resize", draw);
sheet.addEventListener("load", () => {
  choose(0);
  document.body.dataset.ready = "yes";
});
sheet.src = DATA.sheet;
"""

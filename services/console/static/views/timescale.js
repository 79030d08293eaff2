// Where a moment of a story lies on the waterfall. A story takes minutes of waiting and milliseconds of work: folded,
// every idle stretch has the same small width, and work shares the rest in proportion.

const IDLE_SHARE = 0.25; // of all work: a pause shorter than this is not folded
const GAP_WIDTH = 6; // percent of the width that one idle stretch takes
const GAPS_WIDTH_MAX = 40; // percent that all of them may take
const LABEL_WIDTH = 8; // percent: a label does not reach into a folded stretch
const LABEL_END = 93; // percent: a label further right would be cut
const BAR_MIN = 0.35; // percent: an instant can still be seen

/**
 * `place(span)` gives [left, width] in percent. `ticks` are what the ruler says, `every` percent at most: first the time
 * since the story began, then since the first of these spans did. `gaps` are the folded stretches.
 */
export function axis(spans, folded, every) {
  const stretches = folded ? busy(spans) : [[0, Math.max(1, ...spans.map(end))]];
  const work = sum(stretches);
  const gap = stretches.length > 1 ? Math.min(GAP_WIDTH, GAPS_WIDTH_MAX / (stretches.length - 1)) : 0;
  const perUs = (100 - gap * (stretches.length - 1)) / work;

  const parts = [];
  let at = 0;
  for (const [from, to] of stretches) {
    parts.push({ from, to, at, until: at + (to - from) * perUs });
    at = parts.at(-1).until + gap;
  }
  const x = (us) => {
    const part = parts.findLast((one) => one.from <= us) ?? parts[0];
    return part.at + (Math.min(us, part.to) - part.from) * perUs;
  };
  const place = (span) => {
    const left = Math.min(x(span.start_us), 100 - BAR_MIN);
    return [left, Math.max(BAR_MIN, x(end(span)) - left)];
  };
  const gaps = parts.slice(1).map((part, i) => ({ at: parts[i].until, width: gap, us: part.from - parts[i].to }));
  return { place, gaps, ticks: ticks(parts, perUs, every) };
}

const end = (span) => span.start_us + span.duration_us;
const sum = (stretches) => stretches.reduce((total, [from, to]) => total + to - from, 0) || 1;

/** The stretches in which something was going on, short pauses included. */
function busy(spans) {
  const exact = joined([...spans].sort((a, b) => a.start_us - b.start_us).map((span) => [span.start_us, end(span)]), 0);
  return joined(exact, sum(exact) * IDLE_SHARE).map(([from, to]) => [from, Math.max(to, from + 1)]);
}

function joined(stretches, pause) {
  const found = [];
  for (const [from, to] of stretches) {
    const last = found.at(-1);
    if (last && from - last[1] <= pause) last[1] = Math.max(last[1], to);
    else found.push([from, to]);
  }
  return found;
}

function ticks(parts, perUs, every) {
  const found = [];
  let last = -every;
  const step = nice(every / perUs);
  for (const [i, part] of parts.entries()) {
    const until = i + 1 < parts.length ? part.until - LABEL_WIDTH : LABEL_END;
    const began = part.from - parts[0].from;
    const first = Math.ceil((began + 1) / step) * step;
    for (let us = began; us < part.to - parts[0].from; us = us < first ? first : us + step) {
      const at = part.at + (us - began) * perUs;
      if (at - last >= every && at <= until) found.push({ at: (last = at), us: us || part.from, isFirst: us === 0 });
    }
  }
  return found;
}

/** The next of 1, 2, 5 times a power of ten. */
function nice(us) {
  const power = 10 ** Math.floor(Math.log10(Math.max(us, 1)));
  return [1, 2, 5, 10].map((times) => times * power).find((step) => step >= us) ?? 10 * power;
}

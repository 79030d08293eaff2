// The story as it happens: server-sent events read with fetch, because EventSource can't send a token.
import { get, request } from "/page/api.js";

const POLL_MS = 3000;
const AGAIN_MS = [500, 1000, 2000, 5000, 10000];
const SILENCE_MS = 40000; // the service sends a comment every 15 s

/**
 * Call `onstep` with each new step behind `cursor`, until `signal` aborts. `onstate` hears "live", "polling" or "away".
 * A stream that can't be had (an old proxy buffers or refuses it) becomes polling.
 */
export async function follow({ cursor, conversation, signal, onstep, onstate }) {
  let failures = 0;
  const place = { cursor };
  while (!signal.aborted) {
    try {
      const response = await open(place.cursor, conversation, signal);
      if (!response) return await poll(place, conversation, signal, onstep, onstate);
      onstate("live");
      failures = 0;
      for await (const event of events(response.body, signal)) {
        if (event.id) place.cursor = event.id;
        if (event.event === "step") onstep(JSON.parse(event.data));
      }
    } catch (error) {
      if (signal.aborted) return;
      if (error.status === 401 || error.status === 403) return onstate("away", error);
      onstate("away", error);
    }
    await pause(AGAIN_MS[Math.min(failures++, AGAIN_MS.length - 1)], signal);
  }
}

async function open(cursor, conversation, signal) {
  const search = new URLSearchParams(conversation ? { conversation } : {});
  const headers = { Accept: "text/event-stream", ...(cursor ? { "Last-Event-ID": cursor } : {}) };
  const response = await request(`/notify/stream${search.size ? `?${search}` : ""}`, { headers, signal });
  if (response.ok && response.headers.get("content-type")?.startsWith("text/event-stream")) return response;
  if ([401, 403].includes(response.status)) throw Object.assign(new Error("token"), { status: response.status });
  if (response.status >= 500 && response.status !== 501) throw new Error(`stream: ${response.status}`);
  return null;
}

async function* events(body, signal) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  try {
    while (!signal.aborted) {
      const { value, done } = await within(reader.read(), SILENCE_MS);
      if (done) return;
      const blocks = (rest + value).replaceAll("\r\n", "\n").split("\n\n");
      rest = blocks.pop();
      for (const block of blocks) yield parse(block);
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

function within(promise, ms) {
  let timer;
  const late = new Promise((_, reject) => (timer = setTimeout(() => reject(new Error("silent")), ms)));
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

function parse(block) {
  const event = { data: "" };
  for (const line of block.split("\n")) {
    const [, field, value] = line.match(/^([a-z]+): ?(.*)$/s) ?? [];
    if (field === "data") event.data += (event.data && "\n") + value;
    else if (field) event[field] = value;
  }
  return event;
}

async function poll(place, conversation, signal, onstep, onstate) {
  while (!signal.aborted) {
    try {
      const page = await get("/notify/story", { after: place.cursor, conversation, limit: 100 }, signal);
      onstate("polling");
      page.items.forEach(onstep);
      place.cursor = page.next ?? place.cursor;
      if (page.items.length === 100) continue;
    } catch (error) {
      if (signal.aborted) return;
      onstate("away", error);
    }
    await pause(POLL_MS, signal);
  }
}

function pause(ms, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => (clearTimeout(timer), resolve()), { once: true });
  });
}

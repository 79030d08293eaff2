// Requests to the center's own services, with the person's token. A refusal becomes an Error with the service's sentence.
import { lang, t } from "/page/words.js";

const KEY = "ctta.token";

export class Problem extends Error {
  constructor(status, body) {
    super(body.detail || body.title || `${status}`);
    Object.assign(this, { status, rule: body.title, traceId: body.trace_id });
  }
}

/** Take the token out of the address (`#token=...`) before anything else sees it. */
export function takeToken() {
  const given = location.hash.match(/^#token=([^&]+)(?:&to=(.+))?$/);
  if (!given) return;
  keepToken(decodeURIComponent(given[1]));
  history.replaceState(null, "", `${location.pathname}${location.search}#${given[2] ? decodeURIComponent(given[2]) : "/story"}`);
}

export function keepToken(token) {
  sessionStorage.setItem(KEY, token.trim().replace(/^Bearer\s+/i, ""));
}

export function dropToken() {
  sessionStorage.removeItem(KEY);
}

export function token() {
  return sessionStorage.getItem(KEY);
}

/** Who the token speaks for, as it says itself; the services decide, this is only for display. */
export function whoami() {
  try {
    const claims = token().split(".")[1].replaceAll("-", "+").replaceAll("_", "/");
    return JSON.parse(new TextDecoder().decode(Uint8Array.from(atob(claims), (char) => char.charCodeAt(0))));
  } catch {
    return {};
  }
}

/** The answer's JSON. Undefined, null and "" parameters are left out; arrays repeat. Throws Problem. */
export async function get(path, parameters = {}, signal = undefined) {
  return answer(await request(`${path}${query(parameters)}`, { signal }));
}

export async function post(path, signal = undefined) {
  return answer(await request(path, { method: "POST", headers: { "Idempotency-Key": crypto.randomUUID() }, signal }));
}

/** A response whatever its status. Throws Problem with status 0 where the center can't be reached. */
export async function request(path, options = {}) {
  const headers = { "Accept-Language": lang(), ...options.headers };
  if (token()) headers.Authorization = `Bearer ${token()}`;
  try {
    return await fetch(path, { ...options, headers, credentials: "omit" });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(0, { title: "unreachable", detail: t("unreachable") });
  }
}

async function answer(response) {
  const body = await response.json().catch(() => ({ title: `${response.status}`, detail: t("unreadable") }));
  if (!response.ok) throw new Problem(response.status, body);
  return body;
}

function query(parameters) {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    for (const one of [value].flat()) if (one !== undefined && one !== null && one !== "") search.append(name, one);
  }
  return search.size ? `?${search}` : "";
}

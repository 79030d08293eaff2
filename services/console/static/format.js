// Amounts, times, ids and names as people read them, in the language of the page.
import { lang, t, word } from "/page/words.js";

const locale = () => (lang() === "zh" ? "zh-CN" : "en-GB");
const FEN_PER_WAN = 1_000_000; // 万元, 10,000 yuan, in minor units
let members = new Map();

/** Learn the alliance's centers, as /center tells them. */
export function know(view) {
  members = new Map(view.centers.map((one) => [one.id, one]));
}

export function centerName(id) {
  const name = members.get(id)?.name;
  return name ? say(name) : id;
}

export function centerIds() {
  return [...members.keys()];
}

/** A text in zh, en or both, in the reader's language where it has it. */
export function say(text) {
  if (!text) return "";
  return (lang() === "zh" ? text.zh || text.en : text.en || text.zh) || "";
}

/** The language a text comes in, where it is not the page's: for the lang attribute. */
export function langOf(text) {
  return text && text[lang()] ? undefined : lang() === "zh" ? "en" : "zh";
}

/** Minor units to words: 万元 or 元 in Chinese, grouped figures with the currency's code otherwise. */
export function money(minor, currency = "CNY") {
  if (lang() === "zh" && currency === "CNY") {
    const inWan = Math.abs(minor) >= FEN_PER_WAN && minor % (FEN_PER_WAN / 100) === 0;
    return inWan ? `${number(minor / FEN_PER_WAN, 2)}万元` : `${number(minor / 100, minor % 100 ? 2 : 0)}元`;
  }
  const style = { style: "currency", currency, currencyDisplay: "code" };
  const places = new Intl.NumberFormat("en", style).resolvedOptions().maximumFractionDigits;
  const whole = minor % 10 ** places === 0;
  const digits = whole ? { minimumFractionDigits: 0, maximumFractionDigits: 0 } : {};
  return new Intl.NumberFormat(locale(), { ...style, ...digits }).format(minor / 10 ** places).replaceAll("\u00a0", " ");
}

/** A price as a listing tells it: an amount or a range, and how it is made up. */
export function price(told, whole = true) {
  if (!told) return "";
  const ends = [told.min_minor, told.max_minor].filter((minor) => minor !== null && minor !== undefined);
  if (!ends.length) return word("price", told.mode);
  const [low, high] = [ends[0], ends.at(-1)];
  const amount = low === high ? money(low, told.currency) : range(low, high, told.currency);
  return whole ? `${amount} · ${word("price", told.mode)}` : amount;
}

function range(low, high, currency) {
  const [first, last] = [money(low, currency), money(high, currency)];
  if (lang() === "zh" && first.endsWith("万元") && last.endsWith("万元")) return `${first.slice(0, -2)}–${last}`;
  return lang() === "en" ? `${first} – ${last.replace(`${currency} `, "")}` : `${first}–${last}`;
}

export function number(value, digits = 0) {
  return new Intl.NumberFormat(locale(), { maximumFractionDigits: digits }).format(value);
}

export function percent(share, digits = 0) {
  return new Intl.NumberFormat(locale(), { style: "percent", maximumFractionDigits: digits }).format(share);
}

export function clock(iso) {
  return new Intl.DateTimeFormat(locale(), { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false }).format(new Date(iso));
}

export function day(iso) {
  return new Intl.DateTimeFormat(locale(), { year: "numeric", month: "long", day: "numeric" }).format(new Date(iso));
}

export function moment(iso) {
  const style = { year: "numeric", month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", hour12: false };
  return new Intl.DateTimeFormat(locale(), style).format(new Date(iso));
}

/** Microseconds to a length people read: 0.4 ms, 12 ms, 3.4 s, 2 min. */
export function length(us) {
  if (us < 10_000) return `${number(us / 1000, us < 1000 ? 2 : 1)} ms`;
  if (us < 1_000_000) return `${number(us / 1000)} ms`;
  if (us < 120_000_000) return `${number(us / 1_000_000, 1)} s`;
  return `${number(us / 60_000_000, 1)} min`;
}

/** dea_01990f3c…7c1a: prefix, beginning and end are enough to tell two apart. */
export function shortId(id) {
  const [prefix, rest] = id.includes("_") ? id.split(/_(.*)/s) : ["", id];
  return rest.length > 12 ? `${prefix && `${prefix}_`}${rest.slice(0, 4)}…${rest.slice(-4)}` : id;
}

/** A person's id is issuer|subject; the subject is who. */
export function person(id) {
  return id ? id.split("|").at(-1) : t("nobody");
}

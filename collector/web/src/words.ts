// How values are put into words: dates, sizes, states. One place, so that a second language has one place to go.
import type { Finding, Period, PortfolioCell } from './types';

const day = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', timeZone: 'UTC' });
const long_day = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'long', year: 'numeric', timeZone: 'UTC' });

export function date(iso: string): string {
  return long_day.format(new Date(iso));
}

/** "Week 46 · 9 – 15 Nov 2026"; `to` is the day after the last. A month is weeks, so it may begin in the month before: its
    id names it. */
export function period_words(period: Period): string {
  const first = new Date(`${period.from}T00:00:00Z`);
  const last = new Date(new Date(`${period.to}T00:00:00Z`).getTime() - 86_400_000);
  const span = `${day.format(first)} – ${day.format(last)} ${last.getUTCFullYear()}`;
  if (period.kind === 'week') return `Week ${Number(period.id.split('W')[1])} · ${span}`;
  if (period.kind === 'month') {
    const named = new Date(`${period.id}-01T00:00:00Z`);
    return new Intl.DateTimeFormat('en-GB', { month: 'long', year: 'numeric', timeZone: 'UTC' }).format(named);
  }
  const days = (last.getTime() - first.getTime()) / 86_400_000 + 1;
  if (!period.closed && first.getUTCDay() === 1 && days <= 7) return `This week so far · ${span}`;
  return span;
}

export function size(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

/** Capability ids are words with dashes where a name is missing. */
export function titled(id: string): string {
  const words = id.replaceAll('-', ' ').replaceAll('_', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}

const evidence: Record<string, string> = {
  tls_sni: 'TLS SNI',
  quic_sni: 'QUIC SNI',
  http_host: 'HTTP Host',
  http_connect: 'HTTP CONNECT',
  dns_answer: 'DNS answer',
  dns_query: 'DNS query',
  ech_outer: 'outer name of an encrypted ClientHello',
};

/** How a name was learned. */
export function evidence_words(kind: string): string {
  return evidence[kind] ?? titled(kind);
}

/** What a finding is about, under its name. */
export function subject_words(subject: Finding['subject']): string {
  switch (subject.kind) {
    case 'service': return `${subject.vendor} · ${subject.capability}`;
    case 'vendor': return 'hosts of a known vendor that the catalogue does not list';
    case 'address': return 'an address, no name seen';
    case 'storage': return 'large upload to shared storage, service unknown';
    case 'unknown': return 'not in the catalogue';
  }
}

export type Look = 'agreed' | 'tolerated' | 'open' | 'unmet' | 'idle';

export const verdict_look: Record<Finding['verdict'], Look> = {
  sanctioned: 'agreed',
  tolerated: 'tolerated',
  unsanctioned: 'unmet',
  unreviewed: 'open',
};

export const cell_look: Record<PortfolioCell['state'], Look> = {
  agreed: 'agreed',
  tolerated: 'tolerated',
  mixed: 'tolerated',
  not_yet_agreed: 'unmet',
  not_offered_assumed: 'open',
  in_use: 'idle',
  idle: 'idle',
};

/** Shapes that tell states apart without colour. */
export const look_shape: Record<Look, string> = { agreed: '●', tolerated: '◐', open: '○', unmet: '▲', idle: '–' };

export const state_meaning: Record<PortfolioCell['state'], [word: string, meaning: string]> = {
  agreed: ['Agreed', 'only agreed services are used'],
  tolerated: ['With conditions', 'use is agreed under conditions'],
  mixed: ['Mixed', 'agreed services and others side by side'],
  not_yet_agreed: ['Not yet agreed', 'an agreed service exists, others are used'],
  not_offered_assumed: ['Not offered yet (assumed)', 'people found their own, and no agreed service is known; assumed until the unit confirms the need'],
  in_use: ['In use', 'used, but no single service may be shown'],
  idle: ['Idle', 'agreed, and no use was seen'],
};

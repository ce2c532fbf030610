// A running collector to look at, as the end-to-end test or scripts/demo --keep left its description:
// DAYLIGHT_HOUSE names a JSON file {page, security_token, manager_token}.
import { existsSync, readFileSync } from 'node:fs';

const file = process.env.DAYLIGHT_HOUSE;

/** The running collector, or null where none was given. */
export const house = file ? JSON.parse(readFileSync(file, 'utf8')) : null;

export const chromium_path = ['/usr/bin/chromium', '/usr/bin/chromium-browser'].find((path) => existsSync(path));

/** Why the tests can't run here; empty when they can. */
export const skip_reason = !house
  ? 'DAYLIGHT_HOUSE names no running collector; scripts/test starts one'
  : !chromium_path
    ? "Debian's chromium is not installed"
    : '';

// Chromium calls nobody: what it would ask of its maker's hosts is switched off.
export const chromium_arguments = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** What the API itself answers to an account. */
export async function api(path, token) {
  const answer = await fetch(`${house.page}/api/v1${path}`, { headers: { Authorization: `Bearer ${token}` } });
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
  return answer.json();
}

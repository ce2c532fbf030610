// How the page asks the collector. Types follow collector/api/openapi.json; a failure is the collector's own sentence.

/** problem+json (RFC 9457), as the collector sends it. */
export class Problem extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

async function answer<T>(response: Response): Promise<T> {
  if (response.ok) return response.status === 204 ? (undefined as T) : ((await response.json()) as T);
  let text = `The collector answered ${response.status}.`;
  try {
    const problem = (await response.json()) as { title?: string; detail?: string };
    text = problem.detail ?? problem.title ?? text;
  } catch {
    // Not a problem document: a proxy's page, say. The status has to do.
  }
  throw new Problem(response.status, text);
}

export async function get<T>(path: string, query: Record<string, string | undefined> = {}): Promise<T> {
  const given = Object.entries(query).filter((pair): pair is [string, string] => Boolean(pair[1]));
  const search = new URLSearchParams(given).toString();
  const url = `/api/v1${path}${search ? `?${search}` : ''}`;
  return answer<T>(await fetch(url, { headers: { Accept: 'application/json' }, credentials: 'same-origin' }));
}

export async function send<T>(method: 'POST' | 'DELETE', path: string, body?: unknown): Promise<T> {
  const headers: Record<string, string> = { Accept: 'application/json' };
  if (body !== undefined) headers['Content-Type'] = 'application/json';
  return answer<T>(
    await fetch(`/api/v1${path}`, {
      method,
      headers,
      credentials: 'same-origin',
      body: body === undefined ? undefined : JSON.stringify(body),
    }),
  );
}

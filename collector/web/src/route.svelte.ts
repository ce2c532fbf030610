// Where the reader is: the part behind # in the address, so that the back button and a bookmark work.

export type Page = 'portfolio' | 'findings' | 'brief' | 'coverage';
const pages: readonly Page[] = ['portfolio', 'findings', 'brief', 'coverage'];

class Route {
  page = $state<Page>('portfolio');
  params = $state<URLSearchParams>(new URLSearchParams());

  constructor() {
    this.read();
    window.addEventListener('hashchange', () => this.read());
  }

  private read() {
    const [path = '', search = ''] = window.location.hash.replace(/^#\/?/, '').split('?');
    this.page = pages.find((page) => page === path) ?? 'portfolio';
    this.params = new URLSearchParams(search);
  }
}

export const route = new Route();

/** The address of a page with its choices. */
export function address(page: Page, params: Record<string, string | undefined> = {}): string {
  const given = Object.entries(params).filter((pair): pair is [string, string] => Boolean(pair[1]));
  const search = new URLSearchParams(given).toString();
  return `#/${page}${search ? `?${search}` : ''}`;
}

/** Changes one choice and keeps the others; empty removes it. */
export function choose(name: string, value: string) {
  const params = new URLSearchParams(route.params);
  if (value) params.set(name, value);
  else params.delete(name);
  const search = params.toString();
  window.location.hash = `#/${route.page}${search ? `?${search}` : ''}`;
}

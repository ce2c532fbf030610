import { defineConfig } from 'vite';
import { svelte } from '@sveltejs/vite-plugin-svelte';

// The collector serves dist/ itself, under a content security policy of "self only": nothing is inlined, nothing comes from
// outside. `npm run dev` passes the API on to a collector on its default address.
export default defineConfig({
  plugins: [svelte()],
  build: { target: 'es2022', assetsInlineLimit: 0, modulePreload: { polyfill: false } },
  server: { proxy: { '/api': 'http://127.0.0.1:8480' } },
});

import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

/** Written beside the final folder; build.py puts it in place when it is whole. */
const outDir = process.env.EXPLORER_OUT ?? '../api/explorer_files';

export default defineConfig({
  base: '/explorer/',
  plugins: [react()],
  worker: { format: 'es' },
  build: {
    outDir,
    emptyOutDir: true,
    assetsInlineLimit: 0, // files of our own origin, rather than data: addresses
    chunkSizeWarningLimit: 10_000, // Monaco is one editor, not many pages
    rolldownOptions: {
      onwarn(warning, tell) {
        // React's compiler leaves "use no memo" in GraphiQL's modules; it means nothing after the build.
        if (warning.code !== 'MODULE_LEVEL_DIRECTIVE') tell(warning);
      },
    },
  },
});

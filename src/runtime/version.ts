import { createRequire } from 'node:module'

/** The package's version. It is read by the package's own name, for `dist` lies deeper than the source. */
export const VERSION: string = (createRequire(import.meta.url)('soma-p2p/package.json') as { version: string }).version

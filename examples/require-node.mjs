// Syntax of the first Nodes with modules only: the oldest must get as far as the sentence below.
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** Whether this is a checkout, with TypeScript sources, rather than the published package, with `dist`. */
export const inCheckout = existsSync(fileURLToPath(new URL('./cli/main.ts', import.meta.url)))

/** Ends the process with one sentence when this Node is too old. A checkout needs one that runs TypeScript, which came with 22.18. */
export function requireNode() {
  const major = Number(process.versions.node.split('.')[0])
  const typescript = process.features.typescript
  if (major >= 22 && (typescript || !inCheckout)) return
  const needed = inCheckout ? '22.18' : '22'
  const remedy = inCheckout
    ? '"npm ci" (without --ignore-scripts) brings one that "npm start", "npm test" and "npx node" then use'
    : 'install one from https://nodejs.org and run the command again'
  console.error(`soma-p2p needs Node ${needed} or newer and this is ${process.versions.node}: ${remedy}.`)
  process.exit(1)
}

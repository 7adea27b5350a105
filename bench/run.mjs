// npm run bench [-- OPTIONS]
import { requireNode } from '../examples/require-node.mjs'

requireNode()
import('./run.ts')

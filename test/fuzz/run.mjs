// npm run fuzz [-- OPTIONS]
import { requireNode } from '../../examples/require-node.mjs'

requireNode()
import('./run-fuzz.ts')

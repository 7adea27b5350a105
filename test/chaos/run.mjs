// npm run chaos -- [OPTIONS]
import { requireNode } from '../../examples/require-node.mjs'

requireNode()
import('./main.ts')

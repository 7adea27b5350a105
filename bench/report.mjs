// npm run bench:report
import { requireNode } from '../examples/require-node.mjs'

requireNode()
import('./report.ts')

// Executes a chain into the ledger of a directory and tells its parent of each commit: ledger-killed.test.ts kills it.
import { openLedger } from '../../examples/ledger/ledger.ts'
import { runExecutor } from '../../examples/ledger/run-executor.ts'
import { nodeWith } from './ledger-chain.ts'
import { chainToKill } from './ledger-killed-chain.ts'

const [directory = '', name = ''] = process.argv.slice(2)
const { subDags, options } = await chainToKill(name)
const ledger = await openLedger(directory, options)
process.send?.({ position: ledger.highestExecuted })
const { store, ...node } = nodeWith(subDags)
await runExecutor({
  // Every third commit has the next one with it: many small writes, so that kills fall between and into them.
  node: {
    ...node,
    store: { ...store, getSubDag: async (index) => (index % 3 === 0 ? store.getSubDag(index) : undefined) }
  },
  ledger,
  signal: new AbortController().signal,
  onExecuted: ({ index }) => process.send?.({ executed: index })
})
await ledger.close()
process.disconnect()

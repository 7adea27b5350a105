// Executes a chain into the ledger of a directory and tells its parent of each commit: ledger-killed.test.ts kills it.
import { openLedger } from '../../examples/ledger/ledger.ts'
import { runExecutor } from '../../examples/ledger/run-executor.ts'
import { GENESIS, longChain, nodeWith } from './ledger-chain.ts'

const [directory = '', length = ''] = process.argv.slice(2)
const ledger = await openLedger(directory, { genesis: GENESIS })
process.send?.({ position: ledger.highestExecuted })
const { store, ...node } = nodeWith(longChain(Number(length)))
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

/**
 * Ends the process as soon as nothing is left to do.
 *
 * Node does so by itself, but then tears itself down, and where native addons are loaded that can go round for ever (seen about once in fifty ends of a node's
 * process under Node 24.21, in `Environment::CleanupHandles`). Nothing is skipped that matters: this runs only once no handle is open any more.
 */
export function endWhenIdle(): void {
  let wasIdle = false
  process.on('beforeExit', () => {
    if (wasIdle) process.exit()
    wasIdle = true
    setImmediate(() => {}) // once more round, for others who wait for this event
  })
}

/** Resolves when the turn of the event loop is over; within one, the broker's time stands still. */
export function endOfTurn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

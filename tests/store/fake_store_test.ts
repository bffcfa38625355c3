import { testStore } from "../contract/store_contract.ts";
import { FakeDisk, FakeStore } from "../support/fake_store.ts";

testStore({
  name: "fake",
  create() {
    const disk = new FakeDisk();
    return { open: () => new FakeStore(disk), [Symbol.asyncDispose]: () => Promise.resolve() };
  },
});

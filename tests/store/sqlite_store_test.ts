import { SqliteStore } from "../../broker/store/sqlite_store.ts";
import { testStore } from "../contract/store_contract.ts";

testStore({
  name: "sqlite",
  async create() {
    const folder = await Deno.makeTempDir();
    return {
      open: () => new SqliteStore({ folder }),
      [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
    };
  },
});

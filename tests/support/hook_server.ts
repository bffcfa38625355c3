/** A service that says who somebody is, as a user of the broker would write one. */
export class HookServer implements AsyncDisposable {
  /** What it was asked, in order. */
  readonly questions: Record<string, unknown>[] = [];
  readonly headers: Headers[] = [];
  readonly urls: string[] = [];
  answer: (question: Record<string, unknown>) => unknown = () => ({ result: "deny" });
  readonly url: string;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  constructor() {
    this.#server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
      if (request.method !== "POST") return new Response(null, { status: 405 });
      const question = await request.json();
      this.questions.push(question);
      this.headers.push(request.headers);
      this.urls.push(request.url);
      const answer = await this.answer(question);
      return answer instanceof Response ? answer : Response.json(answer);
    });
    this.url = `http://127.0.0.1:${this.#server.addr.port}/who`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }
}

declare global {
  namespace App {
    interface PageState {
      /** The first page is shown for its four steps, which were just filled. */
      setup?: boolean;
    }
  }
}
export {};

"""What is measured but not trusted: no part of the loop, and nothing of it is fused or published."""
